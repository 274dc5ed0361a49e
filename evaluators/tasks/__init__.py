"""What a recipe is trained and scored on: language modelling on text, the six MAD tasks, and MQAR."""
