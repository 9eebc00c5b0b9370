"""How a product is shown and what is said of it: pure parts of ray_tasks.write_instructions."""
