"""What was collected from live sources: observations as versioned rows, and what was known at a moment."""
