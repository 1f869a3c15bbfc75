"""The artifact store: values written as content-addressed bytes, and read back as what they were."""
