"""What is served: the model folder and what ``service.json`` says."""
