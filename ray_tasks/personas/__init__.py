"""Who wants a product: pure parts of ray_tasks.infer_personas."""
