"""The way of a message, one file a stage: door, transform, deliver; supervise, replay and operations around it."""
