"""From the body of a request to rows of values, or to an error that says which value is wrong."""
