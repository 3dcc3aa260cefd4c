"""Maths as data: text to a bounded tree, the tree to a graph, the graph to values and derivatives.

Nothing is imported here: `parser` needs the standard library alone, and the loader uses it so.
"""
