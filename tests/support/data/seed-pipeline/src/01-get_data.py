from pathlib import Path

for folder in ("assets/data", "assets/original_data"):
    Path(folder).mkdir(parents=True, exist_ok=True)
Path("assets/original_data/nba_stats.csv").write_text("a\n")
Path("assets/data/train.csv").write_text("1\n")
Path("assets/data/test.csv").write_text("2\n")
