"""Values that a user may change, kept outside the code: files, layers, overrides, types and secrets.

Project.find()    where the project is, where its store is, and its settings
resolve_config()  all layers merged, checked against a dataclass or a signature
expand_sweeps()   `--sweep a=1,2` as lists of `--set`
Secret            a reference to a value that is never stored
"""
