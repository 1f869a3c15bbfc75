"""Where steps run: start a ticket, poll for its report, cancel it, and see what it prints meanwhile."""
