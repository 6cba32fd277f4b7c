"""JupyterLab in the container: every request needs the token, which bootstrap made and the log shows."""

import logging
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the modules beside this file
import kernel_death
import packages

TOKEN_FILE = Path("/run/secrets/jupyter/token")
PORT = 8888
PUBLISHED = os.environ.get("PUBLISHED_PORT", str(PORT))  # where compose makes it reachable

token = TOKEN_FILE.read_text().strip()
if not token:
    # An empty token would switch the login off.
    raise ValueError(f"{TOKEN_FILE} is empty. Remove the volume secrets_jupyter and start again.")

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - given by Jupyter
c.IdentityProvider.token = token

c.ServerApp.ip = "0.0.0.0"  # noqa: S104 - inside the container; the published port is loopback
c.ServerApp.port = PORT
c.ServerApp.port_retries = 0
c.ServerApp.root_dir = "/notebooks"
c.ServerApp.open_browser = False
c.ServerApp.allow_root = False
c.ServerApp.quit_button = False
c.LabApp.default_url = "/lab/tree/notebooks/explore.ipynb"

# Why a kernel died is written below the cell that ran.
c.ServerApp.kernel_websocket_connection_class = kernel_death.TellingConnection
if "PIP_PREFIX" in os.environ:
    packages.prepare(Path(os.environ["PIP_PREFIX"]))

# Deleted means deleted: a trash folder inside a container is nobody's.
c.FileContentsManager.delete_to_trash = False
# Idle notebooks give their memory back after an hour; their files stay.
c.MappingKernelManager.cull_idle_timeout = 3600
c.MappingKernelManager.cull_interval = 300

# Jupyter hides a token that was handed to it, and its users would not get in.
logging.getLogger("ServerApp").warning("JupyterLab: http://localhost:%s/lab?token=%s", PUBLISHED, token)
