"""The queues before the models: joined runs, where they run, how they start."""
