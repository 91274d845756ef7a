"""What takes longer than a call: leases with fencing tokens, and the loop that brings what is to what is wanted."""
