"""The slim base image, made of Debian's packages without an engine, dpkg or root."""
