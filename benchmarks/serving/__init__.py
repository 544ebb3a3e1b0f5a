"""The model server beside its peers: the same model, the same features in the same Redis, one worker each."""
