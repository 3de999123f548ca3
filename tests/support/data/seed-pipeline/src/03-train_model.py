import re
from pathlib import Path

Path("assets/models").mkdir(parents=True, exist_ok=True)
found = re.search(r"C: (\S+)", Path("params.yaml").read_text())
Path("assets/models/model.joblib").write_text(found.group(1))
