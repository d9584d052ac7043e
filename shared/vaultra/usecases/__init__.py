"""Load, decide, save, announce: what the rooms do, without the web."""
