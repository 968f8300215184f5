"""Messages shown as a reader wants them: what is sent, what it proves, what comes back, and no secret whole."""
