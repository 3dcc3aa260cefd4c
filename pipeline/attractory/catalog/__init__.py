"""The catalog: one YAML file per system, read safely into frozen records.

    read_system(path)      one file -> SystemRecord
    read_catalog(folder)   a folder (or the packaged catalog) -> Catalog, a mapping name -> SystemRecord
    catalog_problems(...)  every problem of a folder or of files, as sentences
    json_schema()          the format, for editors
    write_invariants(...)  annotate one file, everything else kept to the byte
"""
