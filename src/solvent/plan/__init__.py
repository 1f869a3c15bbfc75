"""A pipeline traced: its calls, what each depends on, its key, and what a run would do."""
