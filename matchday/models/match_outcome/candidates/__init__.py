"""Other forecasters of a match's outcome, which experiments compare with the one that is served."""
