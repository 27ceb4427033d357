"""Who pays what. Comes in: usage with money, and keys for what nobody bears. Goes out: an Allocation to the cent."""
