"""A scriptable DICOM upper layer for the tests: the standard library alone.

destination.Destination is an SCP that answers, stalls and breaks as it is told;
modality.Modality is an SCU that says what it is told and returns all it gets;
instance.Instance is a data set as raw bytes, read from a file or made.
"""
