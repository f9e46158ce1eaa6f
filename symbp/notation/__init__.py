"""What a user writes: indices, tensors, functions, equations and programs."""
