"""The referee's report as a person and other programs read it.

files.py        everything that is written into the report's folder
page.py rows.py sections.py      report.html: verdicts, a row a system, a section a failed check; marks.py: what all have in common
sample.py spectrum.py returns.py growth.py      what a system's pictures show, from the stored numbers alone
pictures.py panels.py       the pictures of one system, as numbers; and as SVG
junit.py dvc.py terminal.py     the same verdicts for a build server, for DVC, for a terminal
verdicts.py     where they were found, which come first, how near to its limit each came
plain.py        a stranger's text, made safe to show
"""
