"""From a recorded run to an endpoint: slice, bundle, verify, gate, register, roll out."""
