"""What is deployed, tried as it is deployed."""
