"""One JavaScript module out of several."""

from pathlib import Path

from seglib._internal.javascript import bundle


def test_imported_modules_come_once_and_before_what_needs_them(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.js").write_text("export const a = 1;\n")
    (tmp_path / "sub" / "b.js").write_text('import { a } from "../a.js";\nexport function b() {}\n')
    (tmp_path / "main.js").write_text(
        'import { a } from "./a.js";\nimport {\n  b,\n} from "./sub/b.js";\nexport default { a, b };\n'
    )
    assert bundle(tmp_path / "main.js") == "const a = 1;\nfunction b() {}\nexport default { a, b };\n"
