"""What several packages need and no lesson teaches: resizing, worker threads, CPU cores, atomic files."""
