"""From values to what a person sees, or to JSON. The only place that knows Rich."""
