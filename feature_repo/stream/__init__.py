"""Kafka to Feast: results and player statistics become features as they arrive.

An event is kept as a fact, the highest revision of each subject (`facts`). Features are a function of the facts of a
season (`league`), made by the functions of the batch path and written with the version of the facts that they are of.
Whatever is redelivered, reordered or killed half way, the same facts give the same features.
Why: docs/decisions/0027-features-are-a-function-of-facts.md
"""
