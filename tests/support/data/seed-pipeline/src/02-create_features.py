from pathlib import Path

Path("assets/features").mkdir(parents=True, exist_ok=True)
features = Path("assets/data/train.csv").read_text()
Path("assets/features/train_features.csv").write_text(features)
