"""One Envoy before the services of this machine: which revision answers which request.

What is wanted is a value (`route`); the documents that Envoy reads are made from it by functions (`bootstrap`,
`clusters`, `routes`, `listeners`, `keys`, `certificates`); `router` has them swapped in an order that loses no request,
and confirmed.
"""
