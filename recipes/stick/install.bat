@echo off
rem Installs the tutorial from this folder, without a network: install.bat [FOLDER]
where py >nul 2>nul
if not errorlevel 1 (py -3 "%~dp0install.py" %*) else (python "%~dp0install.py" %*)
if errorlevel 1 echo Something went wrong. START_HERE.html says what to do.
pause
