"""Commands that the tests run in processes of their own."""

import subprocess

# XLA_FLAGS for processes whose compiled steps run a few times only.
QUICK_XLA = (
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
)


def run(*command, check=True, **settings):
    """Run a command; returns its output and its errors as text.

    Unless ``check=False``, a command that fails is a failed test.
    """
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, text=True, **settings)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done
