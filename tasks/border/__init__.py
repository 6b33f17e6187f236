"""What crosses the border of the system: envelopes in and out, the bridge to queues, and mail taken in."""
