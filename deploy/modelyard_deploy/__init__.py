"""Places where services and jobs run: this machine's processes, containers, clusters, devices."""
