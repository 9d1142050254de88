"""Networks of cells: operations, stems, and the skeletons of DARTS, RobNet and NAS-Bench-201."""
