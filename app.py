"""The dashboard: `streamlit run app.py`."""

from pages.shared import shell

shell.run()
