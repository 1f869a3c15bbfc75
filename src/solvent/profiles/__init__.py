"""What tables are like: statistics, schemas and checks, drift, splits and metrics as records, charts."""
