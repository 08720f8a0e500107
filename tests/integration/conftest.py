"""Environments of their own for programs that do not live beside crosshook's dependencies.

`make integration` runs these tests; nothing here is collected by a plain `pytest`. Each program
comes from PyPI and is kept in `.integration/`; without network, what is not there yet is skipped,
with pip's reason.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".integration"


class Environments:
    """Virtual environments and unpacked wheels, made once and kept."""

    def python(self, *requirements: str, beside_crosshook: bool = False) -> Path:
        """The interpreter of an environment with some packages.

        Args:
            requirements: for pip, with exact versions.
            beside_crosshook: whether crosshook and all it was installed with is importable too.

        Returns:
            Path of `python`.
        """
        folder = self._folder("env", *requirements, "beside" if beside_crosshook else "alone")
        python = folder / "bin" / "python"
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            if beside_crosshook:
                own = sysconfig.get_path("purelib")
                (link,) = (folder / "lib").glob("python*/site-packages")
                (link / "crosshook_beside.pth").write_text(
                    f"import site; site.addsitedir({own!r})\n"
                )
            self._pip(str(python), "install", *requirements)
            (folder / "complete").touch()
        return python

    def wheel(self, requirement: str, python_version: str, platform: str) -> Path:
        """A wheel of another Python, unpacked.

        Args:
            requirement: with an exact version.
            python_version: as `3.12`.
            platform: pip's tag.

        Returns:
            The folder.
        """
        folder = self._folder("wheel", requirement, python_version, platform)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            self._pip(
                *(sys.executable, "download", "--no-deps", "--only-binary=:all:"),
                *("--python-version", python_version, "--platform", platform),
                *("--dest", str(folder), requirement),
            )
            (archive,) = folder.glob("*.whl")
            # zipfile forgets which files are programs
            with zipfile.ZipFile(archive) as file:
                for member in file.infolist():
                    path = Path(file.extract(member, folder))
                    mode = member.external_attr >> 16 & 0o777
                    if mode:
                        path.chmod(mode)
            archive.unlink()
            (folder / "complete").touch()
        return folder

    @staticmethod
    def _folder(*key: str) -> Path:
        words = "\n".join(key)
        name = key[1].partition("=")[0].lower().replace(" ", "-")
        return FOLDER / f"{key[0]}-{name}-{hashlib.sha256(words.encode()).hexdigest()[:8]}"

    @staticmethod
    def _pip(python: str, command: str, *arguments: str) -> None:
        result = subprocess.run(
            [python, "-m", "pip", command, "--quiet", "--disable-pip-version-check", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            reason = (result.stderr.strip() or "no reason given").splitlines()[-1]
            pytest.skip(f"pip {command} {' '.join(arguments)}: {reason}")


@pytest.fixture(scope="session")
def environments() -> Environments:
    return Environments()
