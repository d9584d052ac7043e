"""One file per vendor: what the ports promise, in the vendor's terms."""
