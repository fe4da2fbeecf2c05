"""What ftask keeps on this machine: files that only their user can read, the cache folder and the state folder."""
