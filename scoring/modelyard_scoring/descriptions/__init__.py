"""What tells clients how to call: OpenAPI, Swagger, the page."""
