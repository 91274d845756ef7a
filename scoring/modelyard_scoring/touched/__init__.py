"""What code touches while it is tried: files, addresses, programs, libraries and packages, as an audit hook sees it."""
