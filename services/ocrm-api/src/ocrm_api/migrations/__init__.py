"""Migrations of schema `ocrm`, packaged so that an installed product can migrate."""
