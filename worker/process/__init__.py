"""The process around the work: its start, its consumer of messages, heartbeat, memory and end."""
