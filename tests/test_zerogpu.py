"""ZeroGPU: off a Space the decorator does nothing; on one, ``spaces`` decorates."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from psp.zerogpu import is_active, on_gpu


def test_off_a_space_nothing_is_wrapped_and_spaces_is_not_imported() -> None:
    assert not is_active()
    assert on_gpu(len) is len
    code = "import psp.zerogpu, sys; sys.exit('spaces' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_on_a_space_the_function_is_decorated_with_a_short_reservation(tmp_path: Path) -> None:
    """With a stand-in for ``spaces``, since the real one wants a CUDA build of torch there."""
    (tmp_path / "spaces.py").write_text(
        "import sys\n"
        "assert 'torch' not in sys.modules\n"
        "def GPU(duration):\n"
        "    assert 0 < duration <= 15\n"
        "    return lambda function: lambda *args: ('on gpu', function(*args))\n"
    )
    code = "from psp.zerogpu import on_gpu; assert on_gpu(len)('abc') == ('on gpu', 3)"
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).resolve().parent.parent)])
    env = os.environ | {"SPACES_ZERO_GPU": "true", "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
