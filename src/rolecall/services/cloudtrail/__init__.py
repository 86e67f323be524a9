"""CloudTrail: the trail, looked up."""
