"""Having the brokers remove processed pictures, and what was erased where nothing is written any more."""
