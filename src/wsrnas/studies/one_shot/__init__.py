"""What losses under shared weights are worth."""
