"""The stubs of the contract, fanfare.push.v1. They are made from it by `generate`."""
