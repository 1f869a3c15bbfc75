"""The command line: one file for each noun, loaded when its command is used."""
